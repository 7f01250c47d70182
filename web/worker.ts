/**
 * Makes the worker that imports it one of a Fusion, or of a training's `workers`. The one door whose import does something.
 * @module
 */

import { HostError } from '../src/core/errors.ts'
import { hostWith } from './host.ts'
import { greeter } from './line.ts'
import { answer, everything } from './serve.ts'

if (typeof document !== 'undefined') {
  throw new HostError('"metafusion/worker" is imported by a page: import it in the file of a worker')
}

/** Workers of a worker have its own file, wherever that is. */
const again = () => new Worker(globalThis.location.href, { type: 'module' })

answer(globalThis as unknown as Worker, { ...greeter, ...everything(hostWith(again)) })
