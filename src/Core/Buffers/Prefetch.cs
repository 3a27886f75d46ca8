using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Weir.Buffers;

/// <summary>Tells the processor what is looked at next. Changes nothing but the time; nothing at all where it has no such order.</summary>
internal static class Prefetch
{
    private const int LineBytes = 64;

    /// <summary>The first 128 bytes of an object; null: nothing.</summary>
    public static unsafe void Object(object? target)
    {
        if (Sse.IsSupported)
        {
            // As a number: should the collector move the object at this moment, then a line nobody needs is fetched.
            nint address = Unsafe.As<object?, nint>(ref target);
            Sse.Prefetch0((void*)address);
            Sse.Prefetch0((void*)(address + LineBytes));
        }
    }
}
