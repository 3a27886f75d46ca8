using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Weir.Buffers;

/// <summary>
/// Prefetches memory into the processor's cache. Affects only speed; no effect where the instruction is missing. Thread-safe.
/// </summary>
[Experimental("WEIR001")]
public static class Prefetch
{
    private const int LineBytes = 64;

    /// <summary>Prefetches the first 128 bytes of an object.</summary>
    /// <param name="target">The object; <c>null</c>: no effect.</param>
    public static unsafe void Instance(object? target)
    {
        if (Sse.IsSupported)
        {
            // As a number: if the collector moves the object at this moment, a useless cache line is fetched.
            nint address = Unsafe.As<object?, nint>(ref target);
            Sse.Prefetch0((void*)address);
            Sse.Prefetch0((void*)(address + LineBytes));
        }
    }
}
