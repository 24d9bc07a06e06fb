import { Observable } from 'rxjs';
import type { Admission } from './admission.ts';
import { Connection } from './connection.ts';
import type { Draining } from './draining.ts';
import type { ByteDuplex } from './duplex.ts';
import { ApiMisuseError, type TlsError } from './engine/index.ts';
import type { EngineSupply } from './engine-source.ts';
import { reporting } from './reporting.ts';
import type { SecureSettings } from './secure-options.ts';
import { Stage } from './stage.ts';
import type { TlsConnection } from './tls-connection.ts';
import { transportOf, type UpgradeReady } from './upgrade-ready.ts';

/**
 * One connection over the one duplex that `transport` emits, for as long as it is subscribed. After `unwrap` it lives as
 * long as the transport does.
 */
export function secured(
  transport: Observable<ByteDuplex | UpgradeReady>,
  supply: EngineSupply,
  settings: SecureSettings,
  admission?: Admission,
  draining?: Draining,
): Observable<TlsConnection> {
  return new Observable((subscriber) => {
    let stage: Stage | undefined;
    let transportIsDone = false;
    subscriber.add(() => stage?.ending.abandon());
    const owner = {
      connected(): void {
        subscriber.next(new Connection(stage!));
        draining?.connected(stage!);
      },
      ended(error: TlsError | undefined): void {
        draining?.ended(stage!);
        reporting(() => {
          if (error !== undefined) subscriber.error(error);
          else if (!stage!.closing.isUnwrapping || transportIsDone) subscriber.complete();
        });
      },
    };
    subscriber.add(
      transport.subscribe({
        next(below) {
          const duplex = transportOf(below);
          if (stage !== undefined) {
            duplex.sink.abort();
            stage.fail(new ApiMisuseError('secure() takes one transport; use secureEach() for a listener'));
            return;
          }
          stage = new Stage(duplex, supply, settings, owner, admission);
          draining?.started(stage);
          stage.start();
        },
        error(error: unknown) {
          if (stage === undefined || stage.end === 'clean') subscriber.error(error);
          else stage.ending.transportFailed(error);
        },
        complete() {
          transportIsDone = true;
          if (stage === undefined || stage.end === 'clean') subscriber.complete();
        },
      }),
    );
  });
}
