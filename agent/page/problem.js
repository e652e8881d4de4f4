// What went wrong, in the language of the person: the words of what was refused, else of the kind of
// problem with the appliance's own sentence, which is English where no part has words for it.

import { has, said, t } from "./words.js";

export function problemText(problem) {
    if (problem.status === 0) return t("problem.unreached");
    if (problem.code === "forbidden" && problem.field === "approval") return t("problem.approval");
    if (["disk_full", "io", "read_only"].includes(problem.code)) return t("problem.unsaved");
    return has(`refused.${problem.field}`) ? t(`refused.${problem.field}`) : kindText(problem);
}

export function kindText(problem) {
    const key = `problem.${problem.code}`;
    const detail = said(problem.message);
    return has(key) ? t(key, { detail }) : detail || t("problem.other");
}
