/** The parts of the service, in the order in which they are registered. */
import type { ServicePlugin } from './service-parts.ts';

export const plugins: readonly ServicePlugin[] = [];
