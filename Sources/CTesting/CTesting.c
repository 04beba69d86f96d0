#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "CTesting.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

// Where the trampolines of trampolines.S jump: the function that bears the interposed name goes to `loads_target_…`,
// `loads_original_…` goes to the library's own.
#define HOOKED(name) \
  void *loads_target_##name; \
  void *loads_library_##name; \
  extern void loads_hook_##name(void);

HOOKED(XCTMain)
HOOKED(asyncTest)
HOOKED(recordFailure)
HOOKED(addTeardownBlock)
HOOKED(addAsyncTeardownBlock)
HOOKED(store)
HOOKED(cancel)

// Tells the `loads` command that an executable contains this library (LoadsPackage looks for it in the file).
// Retained: the linker of a release build throws away what nothing refers to.
__attribute__((used, retain)) static const char marker[] = "LoadsTesting-runner-1";

static loads_mode mode;

loads_mode loads_current_mode(void) { return mode; }

static bool is_set(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != '\0' && !(value[0] == '0' && value[1] == '\0');
}

static void *library_symbol(const char *name) {
  // The executable comes first in the search order, so "next" is the library that would have been called.
  void *found = dlsym(RTLD_NEXT, name);
  // Nobody can call in a plain run what the library does not have; a load run cannot do without it.
  if (found == NULL && mode != loads_mode_plain) {
    fprintf(stderr, "loads: %s is missing from this toolchain's XCTest or Testing library (Swift 6.3 is expected)\n",
            name);
    abort();
  }
  return found;
}

void loads_install_iteration_hooks(void) {
  loads_target_recordFailure = (void *)loads_hook_recordFailure;
  loads_target_addTeardownBlock = (void *)loads_hook_addTeardownBlock;
  loads_target_addAsyncTeardownBlock = (void *)loads_hook_addAsyncTeardownBlock;
  loads_target_cancel = (void *)loads_hook_cancel;
}

// Before `main`: the generated list of tests calls `asyncTest` while it is being built.
__attribute__((constructor)) static void set_up(void) {
  mode = is_set("LOADS_RUNNER") ? loads_mode_run : is_set("LOADS_LIST") ? loads_mode_list : loads_mode_plain;
#define FIND(name, symbol) loads_target_##name = loads_library_##name = library_symbol(symbol)
  FIND(XCTMain, "$s6XCTest7XCTMainys5NeverOSayAA0A4CaseCm04testD5Class_SaySS_yAFKctG8allTeststGF");
  FIND(asyncTest, "$s6XCTest9asyncTestyyyKcxcyyYaKcxcAA0A4CaseCRbzlF");
  FIND(recordFailure, "$s6XCTest0A4CaseC13recordFailure15withDescription6inFile6atLine8expectedySS_SSSiSbtF");
  FIND(addTeardownBlock, "$s6XCTest0A4CaseC16addTeardownBlockyyyycF");
  FIND(addAsyncTeardownBlock, "$s6XCTest0A4CaseC16addTeardownBlockyyyyYaYbKcF");
  FIND(store, "$s7Testing4TestV7__store_4into8asTypeAtSbACyYaYbc_SvSVtFZ");
  FIND(cancel, "$s7Testing4TestV6cancel_14sourceLocations5NeverOAA7CommentVSg_AA06SourceE0VtKFZ");
  // The hook looks at the class: only a LoadTestCase's bodies are handed over in a plain run.
  loads_target_asyncTest = (void *)loads_hook_asyncTest;
  if (mode == loads_mode_plain) return;
  loads_target_XCTMain = (void *)loads_hook_XCTMain;
  loads_target_store = (void *)loads_hook_store;
  loads_install_iteration_hooks();
}

// The layout of a test content record, and of the sections that the Swift runtime registers for each image:
// Swift Testing's Documentation/ABI/TestContent.md and the runtime's swift/ABI/MetadataSections ("version 4").
struct record {
  uint32_t kind;
  uint32_t reserved1;
  loads_test_accessor accessor;
  uintptr_t context;
  uintptr_t reserved2;
};

struct range {
  uintptr_t start;
  size_t length;
};

struct sections {
  uintptr_t version;
  const void *base;
  void *unused0, *unused1;
  struct range ranges[15];
};

enum { first_version_with_tests = 4, tests_range = 14, kind_test = 0x74657374 /* 'test' */ };

extern void swift_enumerateAllMetadataSections(bool (*body)(const void *sections, void *context), void *context);

struct visit {
  void (*body)(loads_test_accessor accessor, void *context);
  void *context;
};

static bool visit_image(const void *image, void *context) {
  const struct sections *sections = image;
  const struct visit *visit = context;
  if (sections->version < first_version_with_tests) return true;
  const struct range range = sections->ranges[tests_range];
  const struct record *records = (const struct record *)range.start;
  for (size_t i = 0; records != NULL && i < range.length / sizeof *records; i++) {
    if (records[i].kind == kind_test && records[i].accessor != NULL) visit->body(records[i].accessor, visit->context);
  }
  return true;
}

void loads_each_test(void (*body)(loads_test_accessor accessor, void *context), void *context) {
  struct visit visit = {body, context};
  swift_enumerateAllMetadataSections(visit_image, &visit);
}

bool loads_call_accessor(loads_test_accessor accessor, void *out, const void *type) {
  return accessor(out, type, NULL, 0);
}
