import type { ByteDuplex, TlsEngine, TlsEngineFactory, TlsEngineSink, TlsRole } from '@rxtls/core';
import { tap } from 'rxjs';

/** `17 03 03 00 05`: bytes as they are read off a wire. */
export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

/** Notes who is passed, in order. `quiet` forgets what has been noted, so that each scene starts with an empty page. */
export class Hops {
  readonly log: string[] = [];
  readonly #restore: (() => void)[] = [];

  note(hop: string): void {
    this.log.push(hop);
  }

  /** What has been noted since the last time. */
  take(): string[] {
    return this.log.splice(0);
  }

  /** Notes every call of a method by the file it is in, with whatever `show` makes of its first argument; an empty text is no hop. */
  watch<T extends object>(
    prototype: T,
    method: keyof T & string,
    show: (argument: never, result: unknown) => string,
  ): void {
    const target = prototype as Record<string, (...input: unknown[]) => unknown>;
    const original = target[method]!;
    const { log } = this;
    target[method] = function watched(this: unknown, ...input: unknown[]) {
      const at = log.push('') - 1;
      const result = original.apply(this, input);
      log[at] = show(input[0] as never, result);
      return result;
    };
    this.#restore.push(() => (target[method] = original));
  }

  restore(): void {
    for (const restore of this.#restore) restore();
  }

  /** The engine, seen from both of its sides: the calls core makes, and what it answers. */
  engine<R extends TlsRole>(factory: TlsEngineFactory<R>): TlsEngineFactory<R> {
    const note = (hop: string): void => this.note(hop);
    const watched = (sink: TlsEngineSink, host: Parameters<TlsEngineFactory>[1]): TlsEngine => {
      const engine = factory(
        {
          get observed() {
            return sink.observed;
          },
          ciphertext: (bytes) => {
            note(`engine → ciphertext ${hex(bytes)}`);
            sink.ciphertext(bytes);
          },
          sealed: (bytes, records) => {
            note(`engine → sealed ${bytes}`);
            sink.sealed(bytes, records);
          },
          consumed: (bytes) => {
            note(`engine → consumed ${bytes}`);
            sink.consumed(bytes);
          },
          plaintext: (bytes) => {
            note(`engine → plaintext ${hex(bytes)}`);
            sink.plaintext(bytes);
          },
          readiness: (state) => {
            note(`engine → readiness ${state.state}`);
            sink.readiness(state);
          },
          negotiated: (parameters) => {
            note(`engine → negotiated ${parameters.version}`);
            sink.negotiated(parameters);
          },
          task: (task) => sink.task(task),
          event: (event) => sink.event(event),
          closeNotify: () => sink.closeNotify(),
          failed: (error) => sink.failed(error),
        },
        host,
      );
      return new Proxy(engine, {
        get(target, property) {
          const member = Reflect.get(target, property, target) as unknown;
          if (typeof member !== 'function') return member;
          return (...input: unknown[]): unknown => {
            const [first] = input;
            if (property === 'receiveCiphertext') note(`engine.receiveCiphertext ${hex(first as Uint8Array)}`);
            if (property === 'sendPlaintext') note(`engine.sendPlaintext ${hex(first as Uint8Array)}`);
            return Reflect.apply(member, target, input) as unknown;
          };
        },
      });
    };
    return Object.assign(watched, { role: factory.role, capabilities: factory.capabilities }) as TlsEngineFactory<R>;
  }

  /** A transport by its name: what it brings and what it is given. */
  transport(name: string, below: ByteDuplex): ByteDuplex {
    return {
      info: below.info,
      unread: (bytes) => below.unread(bytes),
      source: {
        bytes: below.source.bytes.pipe(tap((bytes) => this.note(`${name} → ${hex(bytes)}`))),
        request: (bytes) => below.source.request(bytes),
      },
      sink: {
        demand: below.sink.demand,
        taken: below.sink.taken,
        write: (bytes) => {
          this.note(`${name}.write ${hex(bytes)}`);
          below.sink.write(bytes);
        },
        end: () => below.sink.end(),
        abort: (reason) => below.sink.abort(reason),
      },
    };
  }
}
