using System.Globalization;
using Weir.LoadTest.Client;

namespace Weir.LoadTest.Measuring;

/// <summary>A server's process in /proc. When it has ended all values are 0.</summary>
internal sealed class ServerProcess(int id)
{
    // USER_HZ, in which /proc counts, is 100 on every architecture that .NET runs on.
    private static readonly TimeSpan _clockTick = TimeSpan.FromMilliseconds(10);

    public int Id => id;

    /// <summary>VmRSS.</summary>
    public long ResidentBytes => BytesOf("VmRSS:");

    /// <summary>VmHWM: the most that VmRSS has been.</summary>
    public long MostResidentBytes => BytesOf("VmHWM:");

    /// <summary>User and system time of all its threads.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            // The name, in parentheses, may have spaces in it. utime and stime are fields 14 and 15; the state is 3.
            string stat = Read("stat");
            string[] fields = stat.Length == 0 ? [] : stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields.Length == 0
                ? default
                : _clockTick * (
                    long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture));
        }
    }

    public bool HasEnded => Read("stat") is not { Length: > 0 } stat || stat[(stat.LastIndexOf(')') + 2)..].StartsWith('Z');

    public void Signal(int signal)
    {
        if (Libc.Kill(id, signal) != 0)
        {
            throw new InvalidOperationException($"kill {id}: errno {Libc.Errno}");
        }
    }

    private long BytesOf(string name)
    {
        string? line = Read("status").Split('\n').FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return line is null ? 0 : 1024 * long.Parse(line[name.Length..^"kB".Length], CultureInfo.InvariantCulture);
    }

    private string Read(string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/{file}");
        }
        catch (IOException)
        {
            return ""; // it has ended
        }
    }
}
