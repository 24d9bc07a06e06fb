import type { ConnectionFailure, CredentialEvent, DrainedConnection } from '@rxtls/core';
import { Subject } from 'rxjs';
import type { FilesEvent } from './certificates.ts';

/** What happens in a terminator; the log and the metrics subscribe to it. */
export class News {
  readonly files = new Subject<FilesEvent>();
  readonly credentials = new Subject<CredentialEvent>();
  readonly failed = new Subject<ConnectionFailure>();
  readonly drained = new Subject<DrainedConnection>();
}
