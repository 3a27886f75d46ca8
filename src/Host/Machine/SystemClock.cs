using System.Runtime.InteropServices;

namespace Weir.Host.Machine;

/// <summary>The kernel's view of the clock.</summary>
internal static class SystemClock
{
    // struct timex of 64-bit Linux: modes (with padding), offset, freq, maxerror and esterror of 8 bytes each, then status. 208 bytes.
    private const int TimexBytes = 256;
    private const int StatusOffset = 40;
    private const int Unsynchronized = 0x40; // STA_UNSYNC

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Adjust([In, Out] byte[] timex);

    /// <summary>
    /// Returns whether a time server steers the clock, as <c>timedatectl</c> shows it; <c>null</c> if the system does not show it.
    /// </summary>
    public static bool? IsSynchronized()
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess
            || !NativeLibrary.TryLoad("libc.so.6", out nint library) || !NativeLibrary.TryGetExport(library, "adjtimex", out nint entry))
        {
            return null;
        }

        byte[] timex = new byte[TimexBytes]; // modes 0: reads only
        return Marshal.GetDelegateForFunctionPointer<Adjust>(entry)(timex) < 0
            ? null
            : (BitConverter.ToInt32(timex, StatusOffset) & Unsynchronized) == 0;
    }
}
