import { mkdirSync, writeFileSync } from 'node:fs';
import { freePort } from '../program.ts';
import { daemon, daemonFolder, type Daemon, isRoot, notInstalled } from './daemon.ts';

/** vsftpd; `anonymous` is a user, and there is a file `hello`. */
export const vsftpd: Daemon = {
  name: 'vsftpd',
  missing: notInstalled('vsftpd') ?? (isRoot ? undefined : 'skipped: vsftpd runs as root only'),

  async start(t) {
    const folder = await daemonFolder(t);
    for (const name of ['empty', 'files']) mkdirSync(folder.path(name), { mode: 0o755 });
    writeFileSync(folder.path('files/hello'), 'hello\n', { mode: 0o644 });
    const port = await freePort();
    const configuration = `
listen=YES
listen_address=127.0.0.1
listen_port=${port}
background=NO
seccomp_sandbox=NO
connect_from_port_20=NO
secure_chroot_dir=${folder.path('empty')}
anonymous_enable=YES
anon_root=${folder.path('files')}
no_anon_password=YES
ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
require_ssl_reuse=YES
ssl_ciphers=HIGH
rsa_cert_file=${folder.path('cert.pem')}
rsa_private_key_file=${folder.path('key.pem')}
xferlog_enable=NO
`;
    daemon(t, 'vsftpd', [folder.file('vsftpd.conf', configuration)]);
    return port;
  },
};
