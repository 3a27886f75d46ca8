using System.Globalization;
using Weir.LoadTest.Client;

namespace Weir.LoadTest.Measuring;

/// <summary>The server as this machine sees it, in /proc. Throws <see cref="InvalidOperationException"/> when it has ended.</summary>
internal sealed class ServerProcess(int id)
{
    // USER_HZ, in which /proc counts, is 100 on every architecture that .NET runs on.
    private static readonly TimeSpan _clockTick = TimeSpan.FromMilliseconds(10);

    /// <summary>VmRSS.</summary>
    public long ResidentBytes
    {
        get
        {
            string line = Read("status").Split('\n').First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
            return 1024 * long.Parse(line["VmRSS:".Length..^"kB".Length], CultureInfo.InvariantCulture);
        }
    }

    /// <summary>User and system time of all its threads.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            // The name, in parentheses, may have spaces in it. utime and stime are fields 14 and 15; the state is 3.
            string stat = Read("stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return _clockTick * (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Asks it to end.</summary>
    public void Terminate()
    {
        if (Libc.Kill(id, Libc.SIGTERM) != 0)
        {
            throw new InvalidOperationException($"kill {id}: errno {Libc.Errno}");
        }
    }

    private string Read(string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/{file}");
        }
        catch (IOException)
        {
            throw new InvalidOperationException($"The server, process {id}, has ended.");
        }
    }
}
