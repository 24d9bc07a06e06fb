// A TLS connection is an RxJS pipeline: `npm start` shows one, `npm start -- --help` says what else there is.
import { AbortedError, secure, use } from '@rxtls/core';
import { connect } from '@rxtls/transport-tcp';
import { lastValueFrom, takeUntil, tap } from 'rxjs';
import { type Arguments, helpText, readArguments } from './arguments.ts';
import { ConnectionView } from './connection-view.ts';
import { unsent, verdict } from './exit-codes.ts';
import { lineWriter, nowhere, type Output, plaintextTo } from './output.ts';
import { paintFor } from './paint.ts';
import { demonstration, elsewhere, type Target } from './target.ts';

/** The example itself: everything else in this folder reads arguments or draws. */
function conversation({ endpoint, engine, identity, messages, wait }: Target, view: ConnectionView, output: Output) {
  // Pulled from the start, long before the handshake is done; their end, once the server is silent, sends close_notify.
  async function* writes(): AsyncGenerator<Uint8Array, void> {
    yield* messages;
    await view.silence(wait);
  }
  // After a failure the socket is read for a second more, so that our alert arrives; a peer that never closes is left then.
  return connect({ ...endpoint, connectTimeout: 10_000, lingerTimeout: 1_000 }).pipe(
    tap((duplex) => view.open(duplex.info)),
    secure(engine.client(identity), { writes: view.writing(writes()), observe: view.observers }),
    use((connection) => {
      view.secured(connection.negotiated);
      const answers = connection.readEach((bytes) => {
        view.read(bytes);
        return output.write(bytes);
      });
      return answers.pipe(takeUntil(view.deserted(5_000)));
    }),
  );
}

async function run(options: Arguments): Promise<void> {
  const { connect: there, engine, quiet } = options;
  const target = there === undefined ? await demonstration(engine) : await elsewhere(options, there);
  const log = there === undefined ? process.stdout : process.stderr;
  const output = there === undefined ? nowhere : plaintextTo(process.stdout, process.stdout.isTTY);
  const view = new ConnectionView({
    print: quiet ? () => undefined : lineWriter(log, output),
    paint: paintFor(log),
    warning: engine.warning,
    width: Math.min(110, Math.max(80, log.isTTY ? log.columns : 100)),
    showText: there === undefined,
  });
  try {
    await lastValueFrom(conversation(target, view, output), { defaultValue: undefined });
    const left = view.ledger.lost + view.ledger.refused + (options.stdin ? process.stdin.readableLength : 0);
    if (left > 0) throw new AbortedError(unsent);
    view.close();
  } catch (error) {
    view.close(error);
    const { code, line } = verdict(error, view.connected);
    lineWriter(process.stderr, output)(`error: ${line}`);
    process.exitCode = code;
  } finally {
    target.stop();
  }
}

try {
  const options = readArguments(process.argv.slice(2));
  if (options.help) process.stdout.write(helpText);
  else await run(options);
} catch (error) {
  const { code, line } = verdict(error, false);
  process.stderr.write(`error: ${line}\n`);
  process.exitCode = code;
}
