// Mail by SMTP: a dialogue in the clear, STARTTLS, and a dialogue over TLS, in one RxJS pipeline.
import { secure, type TlsConnection, use } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { smtpStartTls } from '@rxtls/starttls';
import { connect } from '@rxtls/transport-tcp';
import { lastValueFrom, tap } from 'rxjs';
import { type Arguments, helpText, readArguments } from './arguments.ts';
import { converse, type Exchange } from './converse.ts';
import { letter } from './letter.ts';
import { mailServer } from './mail-server.ts';
import { type Mail, sendMail } from './send-mail.ts';
import { UsageError } from './usage-error.ts';

interface Target {
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
  readonly ca: string | undefined;
}

const name = 'client.example';

/** The example itself. */
function sent({ host, port, serverName, ca }: Target, mail: Mail, patience: number) {
  return connect({ host, port, connectTimeout: 10_000 }).pipe(
    smtpStartTls({ name }),
    secure(nodeEngine.client({ serverName, ...(ca !== undefined && { ca }) })),
    tap(connected),
    use((connection) => converse(connection, () => sendMail(name, mail), patience)),
    tap(told),
  );
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

function connected({ negotiated: { version, cipherSuite } }: TlsConnection): void {
  print(`secured   ${version} ${cipherSuite}, the certificate verified`);
}

function told({ said: { shown }, reply: { code, lines } }: Exchange): void {
  print(`client    ${shown}`);
  for (const line of lines) print(`server    ${code} ${line}`);
}

async function run(options: Arguments): Promise<void> {
  const { connect: there, from, to, timeout } = options;
  const message = letter(from, to, options.stdin ? process.stdin : undefined);
  const own = there === undefined ? await mailServer() : undefined;
  try {
    const target =
      there === undefined || own !== undefined
        ? { host: '127.0.0.1', port: own?.port ?? 0, serverName: 'localhost', ca: own?.authority }
        : { ...there, serverName: options.serverName ?? there.host, ca: options.ca };
    await lastValueFrom(sent(target, { from, to, message, login: own?.login ?? options.login }, timeout));
    for (const mail of own?.mails ?? []) print(`\nwhat the server has:\n\n${mail.replaceAll('\r\n', '\n').trimEnd()}`);
  } finally {
    own?.close();
    process.stdin.destroy(); // it would keep the process, where somebody holds its other end
  }
}

/** What failed, and why: a lost write is lost for a reason. */
const reason = (error: unknown): string =>
  error instanceof Error ? [error.message, ...(error.cause ? [reason(error.cause)] : [])].join(': ') : String(error);

try {
  const options = readArguments(process.argv.slice(2), process.env);
  if (options.help) process.stdout.write(helpText);
  else await run(options);
} catch (error) {
  const kind = error instanceof Error && !(error instanceof UsageError) ? ` (${error.name})` : '';
  process.stderr.write(`error: ${error instanceof UsageError ? error.message : reason(error)}${kind}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
