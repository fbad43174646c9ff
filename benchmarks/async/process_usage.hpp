/// What the system says that the process uses.
#pragma once

/// Processor time so far, of all threads.
double processor_seconds();

/// Memory now, and the most there has been; MiB. Not a number where the system does not tell.
double resident_mebibytes();
double peak_resident_mebibytes();
