namespace Weir.TestSupport.Processes;

/// <summary>Where things lie that tests run as processes of their own.</summary>
public static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Scripts for Node.js; <c>npm ci</c> there brings what they import.</summary>
    public static string Clients => Path.Combine(Root, "tests", "Integration", "clients");

    /// <summary>The Host as it was built, in the configuration of this test run.</summary>
    public static string HostAssembly
    {
        get
        {
            DirectoryInfo framework = new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
            return Path.Combine(Root, "src", "Host", "bin", framework.Parent!.Name, framework.Name, "Weir.Host.dll");
        }
    }

    private static string FindRoot()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Perf.sln")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName
            ?? throw new DirectoryNotFoundException($"No Perf.sln above {AppContext.BaseDirectory}.");
    }
}
