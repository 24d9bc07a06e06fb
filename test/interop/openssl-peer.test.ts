import t from 'tap';
import { opensslClient, opensslServer } from './openssl.ts';
import { ourClientWith } from './our-client.ts';
import { ourServerWith } from './our-server.ts';

ourClientWith(t, opensslServer);
ourServerWith(t, opensslClient);
