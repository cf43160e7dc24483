// new-booking-flow decides which screen is shown; new-booking-flow-old is another thing.
Widget flow() => flags.isEnabled('new-booking-flow') ? NewBookingFlow() : LegacyBookingFlow();
final variant = flags.stringVariation("search-algorithm-variant", 'control');
const ui = String.fromEnvironment('FEATURE_NEW_UI_ENABLED');
final misspelled = flags.isEnabled('new-boking-flow');
final quoted = 'search'; // search in a sentence is a word
