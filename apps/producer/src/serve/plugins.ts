/** The parts of the service, in the order in which they are registered. */
import { dashboardPlugin } from '../dashboard/plugin.ts';
import { api } from './api.ts';
import type { ServicePlugin } from './service-parts.ts';

export const plugins: readonly ServicePlugin[] = [api, dashboardPlugin];
