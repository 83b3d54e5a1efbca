/** The line by which runtimes in images end each activation on both streams (OpenWhisk: ActivationLogSentinel); never part of a log. */
export const SENTINEL = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX'
