/**
 * Makes the worker thread that imports it one of a Fusion, or of a training's `workers`.
 * @module
 */

import { parentPort } from 'node:worker_threads'
import { HostError } from '../src/core/errors.ts'
import { answer, everything } from '../web/serve.ts'
import { host } from './host.ts'
import { endpointOf } from './pool/endpoint.ts'

if (!parentPort) throw new HostError('"metafusion/worker" is imported by a program: import it in the file of a worker thread')
answer(endpointOf(parentPort), everything(host))
