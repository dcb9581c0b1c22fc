import { settings } from '@sluice/core';
import { describe, expect, it } from 'vitest';
import { profiles } from './profiles.ts';

describe('the profile table', () => {
  it('has the names that SLUICE_ENGINE takes', () => {
    expect(Object.keys(profiles).toSorted()).toEqual(settings.SLUICE_ENGINE.schema.options.toSorted());
  });

  it.each(Object.values(profiles))('$name has a reason for every flag', (profile) => {
    for (const [flag, reason] of Object.entries(profile.why)) {
      expect(profile).toHaveProperty(flag);
      expect(reason.length).toBeGreaterThan(10);
    }
  });

  it.each(Object.values(profiles))(
    '$name is whole: who adds an instruction says which, and HTTP has a path',
    (profile) => {
      expect(profile.instruction === 'none').toBe(profile.passageInstruction === '');
      expect(['static', 'null', 'onnx'].includes(profile.protocol)).toBe(profile.path === undefined);
      expect(profile.recommendedDimension).toBeLessThanOrEqual(profile.fullDimension);
      expect(profile.roles).toContain('passage');
    },
  );
});
