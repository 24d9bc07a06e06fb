// A child process as the bench sees it: asked one thing at a time, never waited for without end.
import { type ChildProcess, fork } from 'node:child_process';
import type { Answer, Begin, Request } from './messages.ts';

/** The last lines that a child wrote to stderr, for the report of its end. */
const tailBytes = 2_000;

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class Contestant {
  readonly variant: string;
  readonly #child: ChildProcess;
  #waiting: Waiting | undefined;
  #tail = '';
  #over: Error | undefined;

  constructor(program: string, begin: Begin) {
    this.variant = begin.variant;
    const { NODE_OPTIONS: _, ...env } = process.env;
    this.#child = fork(program, [], { execArgv: ['--expose-gc'], stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#tail = (this.#tail + chunk.toString()).slice(-tailBytes)));
    this.#child.on('message', (answer: Answer) => this.#answered(answer));
    this.#child.on('error', (error) => this.#ended(error));
    this.#child.on('close', (code, signal) =>
      this.#ended(new Error(`its process ended (${signal ?? code})${this.#tail && `: ${this.#tail.trim()}`}`)),
    );
    this.#child.send(begin, () => undefined);
  }

  get isOver(): boolean {
    return this.#over !== undefined;
  }

  /** @throws what failed; afterwards the process is gone, so that nothing half done is measured */
  async ask(request: Request, timeout: number): Promise<Exclude<Answer, { failed: string }>> {
    if (this.#over !== undefined) throw this.#over;
    const answer = new Promise<Answer>((resolve, reject) => (this.#waiting = { resolve, reject }));
    const timer = setTimeout(() => this.#ended(new Error(`no answer within ${timeout / 1_000} s`)), timeout);
    this.#child.send(request, () => undefined);
    try {
      const given = await answer;
      if (!('failed' in given)) return given;
      this.#ended(new Error(given.failed));
      throw new Error(given.failed);
    } finally {
      clearTimeout(timer);
    }
  }

  stop(): void {
    this.#ended(new Error('it was stopped'));
  }

  #answered(answer: Answer): void {
    this.#waiting?.resolve(answer);
    this.#waiting = undefined;
  }

  #ended(error: Error): void {
    if (this.#over !== undefined) return;
    this.#over = error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
    this.#child.kill('SIGKILL');
  }
}
