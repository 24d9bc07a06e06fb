// Debian's mosquitto, with what it keeps in a folder in the system's temporary one.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestCredentials } from '@rxtls/testing';
import type { Test } from 'tap';
import { freePort, isInstalled } from '../interop/program.ts';

const program = 'mosquitto';

export const mosquittoMissing: string | undefined = isInstalled(program)
  ? undefined
  : 'skipped: mosquitto is not installed';

/** Speaks TLS alone. It saves its sessions when it is told to end, so that they outlive it. */
export async function mosquitto(t: Test, { certificatePem, keyPem }: TestCredentials) {
  const folder = mkdtempSync(join(tmpdir(), 'rxtls-mqtt-'));
  const port = await freePort();
  const [cert, key, conf, data] = ['cert.pem', 'key.pem', 'conf', 'data'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ];
  mkdirSync(data);
  writeFileSync(cert, certificatePem);
  writeFileSync(key, keyPem, { mode: 0o600 });
  writeFileSync(
    conf,
    `${process.getuid?.() === 0 ? 'user root\n' : ''}listener ${port} 127.0.0.1
certfile ${cert}
keyfile ${key}
allow_anonymous true
persistence true
persistence_location ${data}/
log_dest stderr
log_type all
`,
  );
  let child: ChildProcess | undefined;
  let log = '';
  const said = async (what: string, after: number): Promise<void> => {
    for (const end = Date.now() + 15_000; !log.includes(what, after); await new Promise((r) => setTimeout(r, 10)))
      if (Date.now() > end) throw new Error(`mosquitto: never said ${what}: ${log.slice(-1_500)}`);
  };
  /** Starts it, and waits until it listens. */
  const start = async (): Promise<void> => {
    const before = log.length;
    child = spawn(program, ['-c', conf], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => void (log += bytes));
    child.on('error', (error) => void (log += error.message));
    await said('running', before);
  };
  /** Ends it, and waits until it has gone. */
  const stop = async (): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null) return;
    const gone = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill('SIGTERM');
    await gone;
  };
  t.teardown(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });
  await start();
  return {
    port,
    start,
    stop,
    /** Waits for two clients after the last start. */
    clients: async (): Promise<void> => {
      const from = log.lastIndexOf('running');
      await said('New client connected', from);
      await said('New client connected', log.indexOf('New client connected', from) + 1);
    },
  };
}
