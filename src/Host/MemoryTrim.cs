using System.Runtime.InteropServices;

namespace Weir.Host;

/// <summary>
/// Gives memory back after a storm. Thousands of handshakes, or of ends, leave a heap of which little is in use, and a
/// server that is quiet afterwards has no reason to collect it: measured, a third of the resident memory of 15,000 idle
/// connections. One collection, once the storm is over, at a time when nobody waits for it. And after 5,000 sessions of TLS had come
/// and gone, 147 MB were kept by the C library alone.
/// </summary>
internal sealed class MemoryTrim(WeirNode node, TimeProvider? time = null) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(2);

    // Less than this is not worth a collection, whose pause grows with what is in use.
    private const int WorthwhileChange = 1000;

    // OpenSSL's memory is the C library's, which keeps what is freed for the next sessions unless it is told (malloc_trim(3)). Null
    // where there is no such call.
    private static readonly NativeTrim? _trimNativeHeap = FindNativeTrim();

    private int _countAtTrim;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_interval, time ?? TimeProvider.System);
        int before = node.Connections;
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            int now = node.Connections;
            bool isQuiet = Math.Abs(now - before) <= now / 100;
            before = now;
            if (isQuiet && Math.Abs(now - _countAtTrim) >= Math.Max(WorthwhileChange, _countAtTrim / 4))
            {
                _countAtTrim = now;
                GiveBack();
            }
        }
    }

    /// <summary>Collects all that is not in use, and gives its memory back to the system. A pause for everybody.</summary>
    public static void GiveBack()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        _trimNativeHeap?.Invoke(0);
    }

    private static NativeTrim? FindNativeTrim()
        => OperatingSystem.IsLinux()
            && NativeLibrary.TryLoad("libc.so.6", out nint library)
            && NativeLibrary.TryGetExport(library, "malloc_trim", out nint trim)
                ? Marshal.GetDelegateForFunctionPointer<NativeTrim>(trim)
                : null;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int NativeTrim(nuint keep);
}
