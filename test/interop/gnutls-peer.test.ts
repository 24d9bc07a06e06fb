import t from 'tap';
import { gnutlsClient, gnutlsServer } from './gnutls.ts';
import { ourClientWith } from './our-client.ts';
import { ourServerWith } from './our-server.ts';

t.setTimeout(120_000);
ourClientWith(t, gnutlsServer);
ourServerWith(t, gnutlsClient);
