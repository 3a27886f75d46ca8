namespace Weir.Chaos.Brokers;

/// <summary>The server of a broker, or a group of servers, as faults act on it. Ends with the test.</summary>
internal interface IChaosServer : IAsyncDisposable
{
    /// <summary>
    /// Its port on the loopback interface; <c>null</c> if nodes find several servers by other means, and no proxy can be between.
    /// </summary>
    int? Port { get; }

    /// <summary>The settings of a Host that uses it, as environment variables.</summary>
    /// <param name="port">Where the Host reaches it: <see cref="Port"/>, or that of a proxy before it.</param>
    IReadOnlyList<(string Key, string Value)> SettingsAt(int? port);

    /// <summary>Ends it as a crash would; of a group, the server that nodes write to.</summary>
    Task KillAsync();

    /// <summary>Starts it after <see cref="KillAsync"/>, until it answers.</summary>
    Task StartAgainAsync();

    /// <summary>Suspends its process: connections stay open, without an answer.</summary>
    void Stop();

    /// <summary>Resumes it after <see cref="Stop"/>.</summary>
    void Continue();
}
