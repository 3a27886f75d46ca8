using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Weir.LoadTest.Client;

/// <summary>epoll(7), level-triggered: returns the sockets that are ready, by the number they were added with.</summary>
internal sealed class Epoll : IDisposable
{
    private const int MostEvents = 1024;

    // struct epoll_event is packed on x86-64 and nowhere else.
    private static readonly int _dataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int _eventSize = _dataOffset + 8;

    private readonly byte[] _events = new byte[MostEvents * _eventSize];
    private readonly int _fd = Libc.EpollCreate(Libc.EPOLL_CLOEXEC);

    public void Add(int fd, int number, uint interest) => Control(Libc.EPOLL_CTL_ADD, fd, number, interest);

    public void Change(int fd, int number, uint interest) => Control(Libc.EPOLL_CTL_MOD, fd, number, interest);

    /// <summary>The number of ready sockets; <see cref="this"/> has them.</summary>
    /// <param name="timeout">0 does not wait.</param>
    public int Wait(TimeSpan timeout)
    {
        int count = Libc.EpollWait(_fd, _events, MostEvents, new Libc.TimeSpec(timeout), 0);
        return count >= 0 ? count : Libc.Errno == Libc.EINTR ? 0 : throw new InvalidOperationException($"epoll_wait: errno {Libc.Errno}");
    }

    public (int Number, uint Events) this[int index]
    {
        get
        {
            ReadOnlySpan<byte> entry = _events.AsSpan(index * _eventSize, _eventSize);
            return (BinaryPrimitives.ReadInt32LittleEndian(entry[_dataOffset..]), BinaryPrimitives.ReadUInt32LittleEndian(entry));
        }
    }

    public void Dispose() => _ = Libc.Close(_fd);

    private void Control(int operation, int fd, int number, uint interest)
    {
        Span<byte> entry = stackalloc byte[16];
        entry.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(entry, interest);
        BinaryPrimitives.WriteInt32LittleEndian(entry[_dataOffset..], number);
        if (Libc.EpollControl(_fd, operation, fd, entry) != 0)
        {
            throw new InvalidOperationException($"epoll_ctl: errno {Libc.Errno}");
        }
    }
}
