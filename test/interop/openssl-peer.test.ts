import t from 'tap';
import { opensslClient, opensslServer } from './openssl.ts';
import { ourClientWith } from './our-client.ts';
import { ourServerWith } from './our-server.ts';

t.setTimeout(120_000);
ourClientWith(t, opensslServer);
ourServerWith(t, opensslClient);
