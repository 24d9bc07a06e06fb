import { pki } from '../ends.ts';
import { postgresMissing, postgresServer } from '../postgres.ts';
import type { Daemon } from './daemon.ts';

export const postgres: Daemon = {
  name: 'PostgreSQL',
  missing: postgresMissing,
  start: async (t) => (await postgresServer(t, { credentials: await pki.leaf('ecdsa') })).port,
};
