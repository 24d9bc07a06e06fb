import t from 'tap';
import { nodeClient, nodeServer } from './node-tls.ts';
import { ourClientWith } from './our-client.ts';
import { ourServerWith } from './our-server.ts';

t.setTimeout(120_000);
ourClientWith(t, nodeServer);
ourServerWith(t, nodeClient);
