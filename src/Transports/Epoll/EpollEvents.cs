using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Weir.Transports.Epoll;

/// <summary>
/// The array that <c>epoll_wait</c> fills. The kernel packs <c>struct epoll_event</c> on x86 and pads it everywhere else,
/// so that it is read by offsets.
/// </summary>
internal sealed unsafe class EpollEvents
{
    private static readonly int _dataOffset = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86 ? 4 : 8;
    private static readonly int _stride = _dataOffset + 8;

    // Pinned, so that its address is valid for the lifetime of this object.
    private readonly byte[] _memory;
    private readonly byte* _events;

    public EpollEvents(int capacity)
    {
        Capacity = capacity;
        _memory = GC.AllocateArray<byte>(capacity * _stride, pinned: true);
        _events = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_memory));
    }

    public int Capacity { get; }

    /// <summary>Writes the argument of <c>epoll_ctl</c>.</summary>
    public static void Write(byte* target, uint interest, long data)
    {
        Unsafe.WriteUnaligned(target, interest);
        Unsafe.WriteUnaligned(target + _dataOffset, data);
    }

    /// <summary>Waits for events; returns their number, or -1 as the system call does.</summary>
    public int Wait(int epoll, int timeoutMilliseconds) => Libc.EpollWait(epoll, _events, Capacity, timeoutMilliseconds);

    public uint MaskAt(int index) => Unsafe.ReadUnaligned<uint>(_events + (index * _stride));

    public long DataAt(int index) => Unsafe.ReadUnaligned<long>(_events + (index * _stride) + _dataOffset);
}
