// A receipt printer for a test: tillback-sim's, whose paper is a text file.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const programs = process.env.PROGRAMS ?? "build/release";

const freePort = () => new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
        const { port } = probe.address();
        probe.close(() => resolve(port));
    });
});

export class Printer {
    async start() {
        this.folder = mkdtempSync(join(tmpdir(), "tillback-paper-"));
        this.paper = join(this.folder, "paper.txt");
        this.address = `127.0.0.1:${await freePort()}`;
        this.process = spawn(join(programs, "tillback-sim"), ["printer", "--listen", this.address, "--paper", this.paper], { stdio: ["pipe", "pipe", "inherit"] });
        await new Promise((resolve) => this.process.stdout.once("data", resolve));
    }

    // paper-out, cover-open, off or ready
    say(word) {
        this.process.stdin.write(`${word}\n`);
    }

    printed() {
        return readFileSync(this.paper, "utf8");
    }

    close() {
        this.process.kill("SIGKILL");
        rmSync(this.folder, { recursive: true });
    }
}
