import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { host } from '../interop/ends.ts';
import { type Dial, Echo, type Talk } from './talk.ts';

/** Talks by `node:tls`, without anything of ours. */
export const dialPlain =
  (options: ConnectionOptions): Dial =>
  (port) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host, port, ...options });
      const echo = new Echo();
      let hasEnded = false;
      const over = new Promise<undefined>((done, failed) => {
        socket.on('error', (error) => {
          echo.fail(error);
          failed(error);
        });
        socket.on('end', () => void (hasEnded = true));
        socket.on('close', () => {
          if (hasEnded) done(undefined);
          else failed(new Error('the connection was cut'));
        });
      }).then(() => {
        echo.check();
        return undefined;
      });
      over.catch(reject); // before there is a connection; later whoever waits for it hears of it too
      socket.on('data', (bytes: Buffer) => echo.heard(bytes));
      socket.on('secureConnect', () => resolve(talk(socket, echo, over)));
    });

function talk(socket: TLSSocket, echo: Echo, over: Talk['over']): Talk {
  return {
    local: `${socket.localAddress}:${socket.localPort}`,
    resumed: socket.isSessionReused(),
    leaf: () => socket.getPeerCertificate().fingerprint256,
    say: (bytes) => {
      const heard = echo.expect(bytes);
      socket.write(bytes);
      return heard;
    },
    close: () => void socket.end(),
    over,
    cut: () => void socket.destroy(),
  };
}
