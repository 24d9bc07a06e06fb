import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions as TlsOptions, type TLSSocket } from 'node:tls';
import { secure } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { testPki } from '@rxtls/testing';
import { connect } from '@rxtls/transport-tcp';
import { lastValueFrom, switchMap, timeout } from 'rxjs';
import type { Test } from 'tap';
import { Program } from '../interop/program.ts';

/** `allowHalfOpen` is missing in the types. */
type ConnectionOptions = TlsOptions & { readonly allowHalfOpen?: boolean };

const main = join(import.meta.dirname, '../../examples/10-tls-terminator/main.ts');
const loader = ['--conditions=rxtls:source', '--import', '@oxc-node/core/register'];
export const names: readonly string[] = ['app.example', 'echo.example', 'far.example', 'down.example', 'still.example'];
const pki = await testPki();

/** The port of a server on loopback that is gone with the test. */
export async function backend(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A server that does with a connection what the test wants at the time. */
export class Backend {
  behaves: (socket: Socket) => void = (socket) => void socket.pipe(socket);
  readonly server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined); // whoever cares listens too
    this.behaves(socket);
  });

  /** Does that with the next one. */
  next(): Promise<Socket> {
    return new Promise((resolve) => (this.behaves = resolve));
  }
}

/** The example in a process of its own, listening, with certificate files that the test renews. */
export class Terminator {
  readonly folder: string;
  readonly authority: string;
  readonly ca: string = pki.authorityPem;
  /** SHA-256 of each certificate, in their order. */
  readonly certificates: string[] = [];
  port = 0;
  metricsUrl = '';
  #program: Program | undefined;

  private constructor(t: Test) {
    this.folder = t.testdir({});
    this.authority = join(this.folder, 'authority.pem');
    writeFileSync(this.authority, this.ca);
  }

  /** `still`: the route whose certificate is its own, and not renewed. */
  static async started(
    t: Test,
    routes: readonly string[],
    args: readonly string[] = [],
    still?: string,
  ): Promise<Terminator> {
    const server = new Terminator(t);
    await server.renew();
    const files = `${server.#path('tls.crt')},${server.#path('tls.key')}`;
    const own = `${server.#path('own.crt')},${server.#path('own.key')}`;
    const { certificatePem, keyPem } = await pki.issue({ names });
    server.replace('own.crt', certificatePem);
    server.replace('own.key', keyPem);
    const program = new Program(t, process.execPath, [
      [...loader, main, '--listen', '0', '--metrics', '0', '--certificate', `*.example=${files}`],
      routes.flatMap((route) => ['--route', route]),
      still === undefined ? [] : ['--route', still, '--certificate', `${still.replace(/=.*/, '')}=${own}`],
      args,
    ]);
    server.#program = program;
    server.port = Number((await program.says(/^terminating TLS on [\d.]+:(\d+), /m))[1]);
    server.metricsUrl = (await program.says(/^metrics on (\S+)$/m))[1]!;
    return server;
  }

  get program(): Program {
    return this.#program!;
  }

  async renew(): Promise<void> {
    const { certificatePem, keyPem, leafDer } = await pki.issue({ names });
    this.certificates.push(new X509Certificate(leafDer).fingerprint256);
    this.replace('tls.crt', certificatePem);
    this.replace('tls.key', keyPem);
  }

  /** Renews, and waits until the new one serves. */
  async rotate(): Promise<void> {
    await this.renew();
    await this.serves(this.certificates.length);
  }

  serves(generation: number): Promise<unknown> {
    return this.program.says(new RegExp(`^generation ${generation} serves new connections$`, 'm'));
  }

  async otherKey(): Promise<void> {
    this.replace('tls.key', (await pki.issue({ names })).keyPem);
  }

  replace(name: string, text: string): void {
    writeFileSync(this.#path(`${name}.new`), text);
    renameSync(this.#path(`${name}.new`), this.#path(name));
  }

  async metrics(): Promise<string> {
    return (await fetch(this.metricsUrl)).text();
  }

  /** A client by Node alone; rejects when the handshake fails. */
  async client(servername: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = connectTls({ host: '127.0.0.1', port: this.port, servername, ca: this.ca, ...options });
    await once(socket, 'secureConnect');
    socket.on('error', () => undefined); // whoever cares listens too
    return socket;
  }

  /** How a connection ends that is only read: by close_notify or by which error. Node's client takes a bare FIN for an end too. */
  endOf(serverName: string): Promise<string> {
    const engine = nodeEngine.client({ serverName, ca: this.ca });
    const read = connect({ host: '127.0.0.1', port: this.port }).pipe(
      secure(engine),
      switchMap(({ plaintext }) => plaintext),
      timeout(10_000),
    );
    return lastValueFrom(read, { defaultValue: undefined }).then(
      () => 'close_notify',
      (error: Error) => error.name,
    );
  }

  #path(name: string): string {
    return join(this.folder, name);
  }
}
