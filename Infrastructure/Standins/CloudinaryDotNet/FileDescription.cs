namespace CloudinaryDotNet;

/// <summary>A file to upload: the name that Cloudinary shows, and the bytes; the call disposes of the stream.</summary>
public class FileDescription(string name, Stream stream)
{
    public string FileName { get; set; } = name;
    public Stream Stream { get; set; } = stream;
}
