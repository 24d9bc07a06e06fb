import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { freePort, Program } from '../program.ts';
import { daemon, daemonFolder, type Daemon, isRoot, notInstalled, pathOf, userName } from './daemon.ts';

const sources = ['mysql_system_tables.sql', 'mysql_system_tables_data.sql'].map((name) => `/usr/share/mysql/${name}`);

/** MariaDB; there is a user `rx` with the password `secret`, who needs TLS. */
export const mariadb: Daemon = {
  name: 'MariaDB',
  missing:
    notInstalled('mariadbd') ??
    (sources.every((source) => existsSync(source)) ? undefined : `skipped: ${sources[0]} is not there`),

  async start(t) {
    const folder = await daemonFolder(t);
    mkdirSync(folder.path('data/mysql'), { recursive: true });
    const own = ['--no-defaults', `--datadir=${folder.path('data')}`, '--skip-innodb', '--default-storage-engine=Aria'];
    const mine = isRoot ? [`--user=${userName}`] : [];
    const tables = new Program(t, pathOf('mariadbd')!, [...own, ...mine, '--bootstrap']);
    tables.type('USE mysql;\n');
    for (const source of sources) tables.type(readFileSync(source));
    tables.type("FLUSH PRIVILEGES;\nCREATE USER 'rx'@'%' IDENTIFIED BY 'secret' REQUIRE SSL;\n");
    tables.endInput();
    if ((await tables.exited) !== 0) throw new Error(`mariadbd --bootstrap: ${tables.text.slice(-500)}`);
    const port = await freePort();
    const program = daemon(t, 'mariadbd', [
      ...own,
      ...mine,
      ['--bind-address=127.0.0.1', `--port=${port}`, '--skip-name-resolve', `--socket=${folder.path('socket')}`],
      [`--ssl-cert=${folder.path('cert.pem')}`, `--ssl-key=${folder.path('key.pem')}`],
    ]);
    await program.says(/ready for connections/);
    return port;
  },
};
