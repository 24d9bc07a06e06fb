// A worker that is a TLS server on its own port and echoes.
import { parentPort, workerData } from 'node:worker_threads';
import { secure, use } from '@rxtls/core';
import { tls13Engine } from '@rxtls/engine-tls13/node';
import { fromMessagePort } from '@rxtls/transport-streams';

fromMessagePort(parentPort!)
  .pipe(
    secure(tls13Engine.server({ credentials: workerData as { cert: string; key: string } })),
    use((connection) => connection.writeFrom(connection.source)),
  )
  .subscribe();
