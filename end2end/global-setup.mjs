// One portal for all journeys; it is stopped, and its data removed, when the last one has ended.
import { Portal } from './portal.mjs';

export default async function setup() {
  const portal = await Portal.start();
  process.env.SLIPWAY_E2E_PORT = String(portal.port);
  return async () => {
    await portal.stop();
  };
}
