using SharpFuzz;
using Weir.Fuzz;
using Weir.TestSupport.MessageReading;

switch (args)
{
    case []:
        // Under afl-fuzz, an exception is a finding. Instrumented code cannot run before Fuzzer.Run has set up the memory
        // it reports to, so nothing of the engine may be touched out here.
        MessageReaderPools? pools = null;
        Fuzzer.Run(input =>
        {
            using MemoryStream bytes = new();
            input.CopyTo(bytes);
            try
            {
                FuzzInput.Parse(bytes.ToArray()).Play(pools ??= new MessageReaderPools());
            }
            catch
            {
                pools = null; // what a finding left behind must not be held against the next input
                throw;
            }
        });
        return 0;

    case ["--seeds", string directory]:
        Directory.CreateDirectory(directory);
        int number = 0;
        foreach (FuzzInput seed in FuzzInput.Seeds())
        {
            File.WriteAllBytes(Path.Combine(directory, $"{number++:D3}"), seed.ToBytes());
        }

        return 0;

    case ["--replay", .. string[] files]:
        using (MessageReaderPools fresh = new())
        {
            foreach (string file in files)
            {
                Console.WriteLine($"{file}: {FuzzInput.Parse(File.ReadAllBytes(file)).Play(fresh)}");
            }
        }

        return 0;

    default:
        Console.Error.WriteLine("usage: Weir.Fuzz [--seeds DIRECTORY | --replay FILE...]; without arguments under afl-fuzz");
        return 2;
}
