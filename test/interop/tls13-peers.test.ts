// engine-tls13 through what every engine of ours is put through, with each peer.
import { tls13Engine } from '@rxtls/engine-tls13/node';
import t from 'tap';
import { gnutlsClient, gnutlsServer } from './gnutls.ts';
import { nodeClient, nodeServer } from './node-tls.ts';
import { opensslClient, opensslServer } from './openssl.ts';
import { ourClientWith } from './our-client.ts';
import { ourServerWith } from './our-server.ts';
import { ourTls13 } from './our-tls13.ts';

t.setTimeout(120_000);
const onNode = ourTls13('tls13', tls13Engine);
for (const peer of [opensslServer, gnutlsServer, nodeServer]) ourClientWith(t, peer, onNode);
for (const peer of [opensslClient, gnutlsClient, nodeClient]) ourServerWith(t, peer, onNode);
