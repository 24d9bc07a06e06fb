import { freePort } from '../program.ts';
import { daemon, daemonFolder, type Daemon, isRoot, notInstalled } from './daemon.ts';

/** Prosody, serving `localhost` to anybody. */
export const prosody: Daemon = {
  name: 'Prosody',
  missing: notInstalled('prosody'),

  async start(t) {
    const folder = await daemonFolder(t);
    const port = await freePort();
    const configuration = `
run_as_root = ${isRoot}
pidfile = "${folder.path('prosody.pid')}"
data_path = "${folder.path('data')}"
interfaces = { "127.0.0.1" }
c2s_ports = { ${port} }
s2s_ports = { }
modules_enabled = { "saslauth", "tls" }
modules_disabled = { "s2s" }
c2s_require_encryption = true
log = { info = "*console" }
ssl = { certificate = "${folder.path('cert.pem')}", key = "${folder.path('key.pem')}" }
VirtualHost "localhost"
  authentication = "anonymous"
`;
    const program = daemon(t, 'prosody', ['-F', '--config', folder.file('prosody.cfg.lua', configuration)]);
    await program.says(/Activated service 'c2s'/);
    return port;
  },
};
