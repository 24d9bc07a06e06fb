// Debian's postfix, with a configuration, a queue and a mailbox of its own below a folder in the system's temporary one.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestCredentials } from '@rxtls/testing';
import type { Test } from 'tap';
import { freePort, isInstalled } from '../interop/program.ts';

/** Its master process changes users, so it has to be root's. */
export const postfixMissing: string | undefined = !isInstalled('postfix')
  ? 'skipped: postfix is not installed'
  : process.getuid?.() === 0
    ? undefined
    : 'skipped: postfix can only be started by root';

const nobody = 65_534;
/** It ends by itself, should nobody be left to end it. */
const seconds = 60;

/** Takes mail over TLS alone, for one address; that of others is refused with 550. */
export async function postfix(t: Test, address: string, { certificatePem, keyPem }: TestCredentials) {
  const folder = mkdtempSync(join(tmpdir(), 'rxtls-mail-'));
  chmodSync(folder, 0o755);
  const [conf, queue, data, mail] = ['conf', 'queue', 'data', 'mail'].map((name) => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  }) as [string, string, string, string];
  const port = await freePort();
  const logFile = join(folder, 'log'); // not /dev/stdout: a pipe of Node's is a socket, which cannot be opened
  writeFileSync(join(conf, 'tls.pem'), keyPem + certificatePem, { mode: 0o600 });
  writeFileSync(
    join(conf, 'main.cf'),
    `compatibility_level = 3.6
queue_directory = ${queue}
data_directory = ${data}
maillog_file = ${logFile}
maillog_file_prefixes = ${folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example
mydestination =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = ${address.split('@')[1]}
virtual_mailbox_base = ${mail}
virtual_mailbox_maps = inline:{{${address}=inbox}}
virtual_uid_maps = static:${nobody}
virtual_gid_maps = static:${nobody}
virtual_minimum_uid = 1
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = ${join(conf, 'tls.pem')}
`,
  );
  writeFileSync(
    join(conf, 'master.cf'),
    `127.0.0.1:${port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
`,
  );
  const run = (command: string, ...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 });
    if (status !== 0) throw new Error(`${command}: ${stdout}${stderr}`);
    return stdout.trim();
  };
  const asked = (name: string): string => run('postconf', '-c', conf, '-h', name);
  run('chown', asked('mail_owner'), data);
  run('chown', String(nobody), mail);
  run('postfix', '-c', conf, 'check');
  // a group of its own, which it takes with it at SIGTERM
  const master = spawn(join(asked('daemon_directory'), 'master'), ['-c', conf, '-d', '-e', String(seconds)], {
    detached: true,
    stdio: 'ignore',
  });
  const log = (): string => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '');
  const ended = new Promise<void>((resolve) => master.once('exit', () => resolve()));
  t.teardown(async () => {
    master.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const until = async (holds: () => boolean, what: string): Promise<void> => {
    for (const end = Date.now() + 15_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 20)))
      if (Date.now() > end) throw new Error(`postfix: never ${what}: ${log()}`);
  };
  await until(() => log().includes('daemon started'), 'started');
  const inbox = join(mail, 'inbox');
  return {
    port,
    /** The mailbox, once there is mail in it: the whole of it, as postfix says that it delivered it. */
    inbox: async (): Promise<string> => {
      await until(() => existsSync(inbox) && statSync(inbox).size > 0 && /status=sent/.test(log()), 'delivered');
      return readFileSync(inbox, 'utf8');
    },
  };
}
