// Rows S1 to S3 and S7 for servers, and rotations of trust, the same over every engine that can serve.
import { byServerName, liveEngine, type TlsEngineFactory } from '@rxtls/core';
import { MemorySessions, type SessionEnvelope, type SessionStore } from '@rxtls/core/engine-parts';
import { BehaviorSubject } from 'rxjs';
import t from 'tap';
import { until } from '../rules-node/bench.ts';
import { kits, type ServerKit } from './kits.ts';
import { echoes, type Served, served } from './served.ts';

t.setTimeout(120_000);
