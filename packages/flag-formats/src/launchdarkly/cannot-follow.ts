/** Why LaunchDarkly's own evaluation would choose other users; ends one export and is given back as a value. */
export class CannotFollow extends Error {}
