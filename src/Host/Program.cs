using Weir.Host;
using Weir.Host.Settings;

try
{
    await using WebApplication app = WeirApplication.Build(args);
    app.Lifetime.ApplicationStarted.Register(() =>
    {
        foreach (string url in app.Urls)
        {
            Console.WriteLine($"Weir is up. Point a browser at {url.Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "localhost", StringComparison.Ordinal)}");
        }
    });
    await app.RunAsync();
    return 0;
}
catch (SettingsException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return 1;
}
catch (IOException error)
{
    // A port that is taken, a certificate that cannot be read: Kestrel's message says which.
    await Console.Error.WriteLineAsync(error.Message);
    return 1;
}
