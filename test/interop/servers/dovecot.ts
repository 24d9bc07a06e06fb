import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { freePort } from '../program.ts';
import { daemon, daemonFolder, type Daemon, isRoot, notInstalled, pathOf, userName } from './daemon.ts';

/** Its configuration is another language from 2.4 on. */
const otherVersion = (): string | undefined => {
  const version = spawnSync(pathOf('dovecot')!, ['--version'], { encoding: 'utf8' }).stdout.trim();
  return version.startsWith('2.3.')
    ? undefined
    : `skipped: dovecot is ${version}, and the test knows how to configure 2.3`;
};

/** Dovecot, serving one protocol; anybody is a user, by the password `secret`. */
const dovecot = (protocol: 'imap' | 'pop3'): Daemon => ({
  name: `Dovecot, ${protocol}`,
  missing: notInstalled('dovecot') ?? otherVersion(),

  async start(t) {
    const folder = await daemonFolder(t);
    mkdirSync(folder.path('mail'));
    chmodSync(folder.path('mail'), 0o777); // whatever the umask
    const port = await freePort();
    const rootless = `
default_internal_user = ${userName}
default_login_user = ${userName}
service anvil {\n  chroot =\n}
service ${protocol}-login {\n  chroot =\n}`;
    const configuration = `
base_dir = ${folder.path('run')}
state_dir = ${folder.path('run')}
log_path = /dev/stderr
protocols = ${protocol}
listen = 127.0.0.1
ssl = required
ssl_cert = <${folder.path('cert.pem')}
ssl_key = <${folder.path('key.pem')}
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=${isRoot ? 'nobody' : userName} gid=${isRoot ? 'nogroup' : process.getgid?.()} home=${folder.path('mail')}/%u
}
mail_location = maildir:~/mail
service ${protocol}-login {
  inet_listener ${protocol} {
    port = ${port}
  }
  inet_listener ${protocol}s {
    port = 0
  }
}
${isRoot ? '' : rootless}
`;
    const program = daemon(t, 'dovecot', ['-F', '-c', folder.file('dovecot.conf', configuration, 0o644)]);
    await program.says(/starting up/);
    return port;
  },
});

export const dovecotImap: Daemon = dovecot('imap');
export const dovecotPop3: Daemon = dovecot('pop3');
