import t from 'tap';
import { nodeClient, nodeServer } from './node-tls.ts';
import { ourClientWith } from './our-client.ts';
import { ourServerWith } from './our-server.ts';

ourClientWith(t, nodeServer);
ourServerWith(t, nodeClient);
