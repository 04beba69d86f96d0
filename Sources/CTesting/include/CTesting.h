// The functions of XCTest and Swift Testing that a load run must come between, and the tests of the process.
#ifndef LOADS_CTESTING_H
#define LOADS_CTESTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Why this process was started, as its environment says.
typedef enum {
  /// By `swift test` or by hand: everything behaves as if this library were not linked.
  loads_mode_plain = 0,
  /// By an agent (`LOADS_RUNNER=1`): the tests are run as a load.
  loads_mode_run = 1,
  /// By `loads list` (`LOADS_LIST=1`): the tests are written to standard output.
  loads_mode_list = 2,
} loads_mode;

/// Read once, before `main`.
loads_mode loads_current_mode(void);

/// Sends what a test's body calls (XCTestCase's methods, `Test.cancel`) through this library's hooks from now on, as a
/// load within a plain `swift test` needs. Outside an iteration they pass everything on. May be called more than once.
void loads_install_iteration_hooks(void);

/// An accessor of a test content record: writes the record's value to `out` if it is of the type at `type`.
typedef bool (*loads_test_accessor)(void *out, const void *type, const void *hint, uintptr_t reserved);

/// Calls `body` with the accessor of each test record (of kind `test`) of this process, in the order of the images
/// and of the records in them.
void loads_each_test(void (*body)(loads_test_accessor accessor, void *context), void *context);

/// Calls an accessor; a C function pointer stored by Swift code cannot be given two raw pointers to the same place.
bool loads_call_accessor(loads_test_accessor accessor, void *out, const void *type);

#endif
