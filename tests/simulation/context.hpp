/// Where a stopped stack goes on.
///
/// swapcontext() makes a system call per switch to save a signal mask that never changes here. On x86-64 and
/// AArch64 with ELF a few instructions do instead: they save what a called function must preserve, which includes
/// the floating-point control words. TIDINGS_SIMULATION_UCONTEXT chooses swapcontext() everywhere; a process that
/// enforces shadow stacks needs it.
#pragma once

#include <cstddef>
#include <cstdint>

#if !defined(TIDINGS_SIMULATION_UCONTEXT) && defined(__ELF__) && defined(__LP64__) && \
    (defined(__x86_64__) || defined(__aarch64__))
#define TIDINGS_SIMULATION_ASSEMBLY 1
#else
#define TIDINGS_SIMULATION_ASSEMBLY 0
#include <ucontext.h>
#endif

#if TIDINGS_SIMULATION_ASSEMBLY

// One copy per program: each object file that includes this has its own, in a section that the linker merges, unless
// link-time optimisation has made one assembly of them before.
#if defined(__x86_64__)
asm(R"(
    .ifndef tidings_simulation_switch
    .pushsection .text.tidings_simulation_switch,"axG",@progbits,tidings_simulation_switch,comdat
    .weak tidings_simulation_switch
    .hidden tidings_simulation_switch
    .type tidings_simulation_switch,@function
    .p2align 4
tidings_simulation_switch:
    .cfi_startproc
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    .cfi_def_cfa_offset 64
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    .cfi_def_cfa_offset 8
    ret
    .cfi_endproc
    .size tidings_simulation_switch, . - tidings_simulation_switch
    .popsection
    .endif
)");
#else
asm(R"(
    .ifndef tidings_simulation_switch
    .pushsection .text.tidings_simulation_switch,"axG",@progbits,tidings_simulation_switch,comdat
    .weak tidings_simulation_switch
    .hidden tidings_simulation_switch
    .type tidings_simulation_switch,@function
    .p2align 4
tidings_simulation_switch:
    .cfi_startproc
    sub sp, sp, #176
    .cfi_def_cfa_offset 176
    stp d8, d9, [sp, #0]
    stp d10, d11, [sp, #16]
    stp d12, d13, [sp, #32]
    stp d14, d15, [sp, #48]
    stp x19, x20, [sp, #64]
    stp x21, x22, [sp, #80]
    stp x23, x24, [sp, #96]
    stp x25, x26, [sp, #112]
    stp x27, x28, [sp, #128]
    stp x29, x30, [sp, #144]
    mrs x9, fpcr
    str x9, [sp, #160]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldr x9, [sp, #160]
    msr fpcr, x9
    ldp d8, d9, [sp, #0]
    ldp d10, d11, [sp, #16]
    ldp d12, d13, [sp, #32]
    ldp d14, d15, [sp, #48]
    ldp x19, x20, [sp, #64]
    ldp x21, x22, [sp, #80]
    ldp x23, x24, [sp, #96]
    ldp x25, x26, [sp, #112]
    ldp x27, x28, [sp, #128]
    ldp x29, x30, [sp, #144]
    add sp, sp, #176
    .cfi_def_cfa_offset 0
    ret
    .cfi_endproc
    .size tidings_simulation_switch, . - tidings_simulation_switch
    .popsection
    .endif
)");
#endif

extern "C" void tidings_simulation_switch(void** leave, void* enter) noexcept;

namespace tidings::simulation {

class context {
public:
    /// Of the stack that is running: swap() fills it in.
    context() noexcept = default;

    /// Of a stack on which nothing has run. `entry` never returns.
    context(std::byte* low, std::size_t size, void (*entry)() noexcept) noexcept {
        auto* const top = reinterpret_cast<std::uintptr_t*>(low + size);
        const auto address = reinterpret_cast<std::uintptr_t>(entry);
        // What the switch takes off the stack, and, for whoever walks the stack, that nobody called the entry.
#if defined(__x86_64__)
        std::uintptr_t* const frame = top - 11;  // the entry finds its stack aligned as after a call
        for (std::uintptr_t* word = frame; word != top; ++word) *word = 0;
        std::uint32_t sse_control = 0;
        std::uint16_t x87_control = 0;
        asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(sse_control), "=m"(x87_control));
        frame[0] = sse_control | std::uintptr_t{x87_control} << 32;
        frame[7] = address;
#else
        std::uintptr_t* const frame = top - 22;
        for (std::uintptr_t* word = frame; word != top; ++word) *word = 0;
        asm volatile("mrs %0, fpcr" : "=r"(frame[20]));
        frame[19] = address;
#endif
        stack_pointer_ = frame;
    }

    context(const context&) = delete;
    context& operator=(const context&) = delete;

    /// Stops the running stack, which `leave` then stands for, and goes on with `enter`.
    static void swap(context& leave, context& enter) noexcept {
        tidings_simulation_switch(&leave.stack_pointer_, enter.stack_pointer_);
    }

    /// Of a stopped stack: nothing below is in use. Null if unknown.
    const void* stack_pointer() const noexcept { return stack_pointer_; }

private:
    void* stack_pointer_ = nullptr;
};

}  // namespace tidings::simulation

#else

namespace tidings::simulation {

class context {
public:
    context() noexcept = default;

    context(std::byte* low, std::size_t size, void (*entry)() noexcept) noexcept {
        ::getcontext(&context_);
        context_.uc_stack.ss_sp = low;
        context_.uc_stack.ss_size = size;
        context_.uc_link = nullptr;
        ::makecontext(&context_, entry, 0);
    }

    context(const context&) = delete;
    context& operator=(const context&) = delete;

    static void swap(context& leave, context& enter) noexcept { ::swapcontext(&leave.context_, &enter.context_); }

    const void* stack_pointer() const noexcept { return nullptr; }

private:
    ::ucontext_t context_{};
};

}  // namespace tidings::simulation

#endif
