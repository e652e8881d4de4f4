// What went wrong, in the language of the associate: the words of what was refused, else of the kind
// of problem with the appliance's own sentence, which is English.

import { has, t } from "./words.js";

export function problemText(problem) {
    if (problem.status === 0) return t("problem.unreached");
    if (problem.code === "forbidden" && problem.field === "approval") return t("problem.approval");
    if (["disk_full", "io", "read_only"].includes(problem.code)) return t("problem.unsaved");
    const key = [`refused.${problem.field}`, `problem.${problem.code}`].find(has);
    return key ? t(key, { detail: problem.message }) : problem.message || t("problem.other");
}
