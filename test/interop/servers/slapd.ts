import { freePort } from '../program.ts';
import { daemon, daemonFolder, type Daemon, notInstalled } from './daemon.ts';

/** OpenLDAP's server, without a database: it serves its root entry. */
export const slapd: Daemon = {
  name: 'slapd',
  missing: notInstalled('slapd'),

  async start(t) {
    const folder = await daemonFolder(t);
    const port = await freePort();
    const configuration = `
pidfile ${folder.path('slapd.pid')}
argsfile ${folder.path('slapd.args')}
TLSCertificateFile ${folder.path('cert.pem')}
TLSCertificateKeyFile ${folder.path('key.pem')}
security ssf=128
`;
    const program = daemon(t, 'slapd', [
      ['-f', folder.file('slapd.conf', configuration), '-h', `ldap://127.0.0.1:${port}/`, '-d', 'stats'],
    ]);
    await program.says(/slapd starting/);
    return port;
  },
};
