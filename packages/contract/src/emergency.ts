import { z } from 'zod'

export const emergencyRequestSchema = z
  .strictObject({
    stop: z.boolean().describe('true: nobody has any change of a release. false: lift every stop of the environment.'),
    why: z.string().min(1).max(2_000),
    id: z
      .uuid()
      .optional()
      .describe(
        'Drawn by the caller for each stop, so that one posted to several instances is one. To lift: that stop.',
      ),
    release: z.string().max(100).optional().describe('Only this release.'),
    flag: z.string().max(256).optional().describe('Only this flag.'),
  })
  .meta({ id: 'EmergencyRequest' })
export type EmergencyRequest = z.infer<typeof emergencyRequestSchema>

export const emergencyResultSchema = z
  .object({
    stopped: z.boolean().describe('Whether any stop is in force in the environment now; `stops` has them.'),
    id: z
      .string()
      .nullable()
      .describe('Of the stop that was asked for: another than the one given when that was taken. null: lifted.'),
    stops: z.array(z.object({ id: z.string(), target: z.string() })).describe('Stops in force, newest first.'),
    version: z.int().describe('The stream version that carries the change.'),
    stored: z
      .enum(['database', 'file', 'memory'])
      .describe('"file": the database was away; it is told when it is back. "memory": nor could the file be written.'),
    acknowledged: z.int(),
    connected: z.int(),
    silent: z
      .array(z.object({ sdk: z.string(), name: z.string() }))
      .max(100)
      .describe('Known SDKs that have not acknowledged the version.'),
    warning: z
      .string()
      .nullable()
      .describe(
        'The stop is in force, but not as asked: its id is another, its flag is not there, or a restart forgets it.',
      ),
  })
  .meta({ id: 'EmergencyResult' })
export const stopInForceSchema = z
  .object({
    id: z.string(),
    project: z.string().describe('"*": every project.'),
    environment: z.string().describe('"*": every environment.'),
    target: z.string().describe('"everything", "flag KEY" or "release ID".'),
    by: z.string(),
    why: z.string().nullable(),
    at: z.number().describe('Epoch milliseconds.'),
  })
  .meta({ id: 'StopInForce' })

/** Bounded by the stops an environment may have. */
export const stopsInForceSchema = z
  .object({ stops: z.array(stopInForceSchema).describe('Newest first.') })
  .meta({ id: 'StopsInForce' })
export type StopsInForce = z.infer<typeof stopsInForceSchema>

export type EmergencyResult = z.infer<typeof emergencyResultSchema>
