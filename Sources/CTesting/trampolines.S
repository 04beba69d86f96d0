// The names below are defined by XCTest and Swift Testing too. An executable's own definition comes before a
// library's, so calls from the tests, from the generated list of tests and from the libraries themselves arrive here.
// A trampoline is one indirect jump: every register, the Swift calling convention's self and context included,
// reaches the target as the caller set it. The pointers are set before `main` (CTesting.c).

#if defined(__x86_64__)
.macro JUMP pointer
    movq    \pointer@GOTPCREL(%rip), %r11
    jmpq    *(%r11)
.endm
#elif defined(__aarch64__)
.macro JUMP pointer
    adrp    x16, :got:\pointer
    ldr     x16, [x16, :got_lo12:\pointer]
    ldr     x16, [x16]
    br      x16
.endm
#else
#error "LoadsTesting knows x86_64 and aarch64 only"
#endif

.macro TRAMPOLINE symbol, pointer
    .globl  "\symbol"
    .type   "\symbol", %function
    .p2align 4
"\symbol":
    JUMP \pointer
    .size   "\symbol", . - "\symbol"
.endm

.macro HOOKED symbol, name
    TRAMPOLINE "\symbol", loads_target_\name
    TRAMPOLINE loads_original_\name, loads_library_\name
.endm

    .text
    HOOKED "$s6XCTest7XCTMainys5NeverOSayAA0A4CaseCm04testD5Class_SaySS_yAFKctG8allTeststGF", XCTMain
    HOOKED "$s6XCTest9asyncTestyyyKcxcyyYaKcxcAA0A4CaseCRbzlF", asyncTest
    HOOKED "$s6XCTest0A4CaseC13recordFailure15withDescription6inFile6atLine8expectedySS_SSSiSbtF", recordFailure
    HOOKED "$s6XCTest0A4CaseC16addTeardownBlockyyyycF", addTeardownBlock
    HOOKED "$s6XCTest0A4CaseC16addTeardownBlockyyyyYaYbKcF", addAsyncTeardownBlock
    HOOKED "$s7Testing4TestV7__store_4into8asTypeAtSbACyYaYbc_SvSVtFZ", store
    HOOKED "$s7Testing4TestV6cancel_14sourceLocations5NeverOAA7CommentVSg_AA06SourceE0VtKFZ", cancel

    .section .note.GNU-stack, "", %progbits
